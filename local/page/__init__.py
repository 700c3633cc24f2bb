"""Self-contained HTML pages: templates, the style sheet, and charts. They load nothing and have no scripts."""

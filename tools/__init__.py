"""Setup (``make setup``) and checks of the repository. The product does not use them."""

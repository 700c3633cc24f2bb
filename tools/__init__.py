"""What ``make setup`` runs; nothing of the product needs it afterwards."""

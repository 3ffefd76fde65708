"""Files of finance programs, as invoices and revenue lines."""

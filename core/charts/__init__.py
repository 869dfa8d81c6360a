"""What pictures share: the only part of core, beside `picture.py`, that knows Altair and pandas."""

"""The organisation's own look as the pages load it: its colours and its logo. An admin sets them in `admin/look.py`."""

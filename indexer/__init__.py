"""Outside world -> database -> index. Run by admins and cron."""

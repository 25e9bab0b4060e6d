"""case → candidate → judge → report."""

"""What each command of the command line prints, and the JSON that it writes."""

"""The commands of the command line: what each prints, and the JSON that it writes."""

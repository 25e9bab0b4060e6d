"""What an equation costs."""

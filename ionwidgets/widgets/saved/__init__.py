"""What goes into a session file and comes out of it, part by part."""

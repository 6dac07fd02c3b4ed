"""What two or more notebooks of From Equations to Code share."""

"""What is made, what is running and what is next, read from what is on the disk: `depthg status`."""

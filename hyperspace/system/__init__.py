"""Operating system: terminals, files, disks, and forked processes."""

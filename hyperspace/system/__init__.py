"""What the operating system gives, and what it takes away: terminals, files, disks, forked processes."""

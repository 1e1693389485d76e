"""What `basalt plugins new` writes: files with `$name` and the like, filled by `string.Template`."""

"""The kinds of encoder, one file each: settings and class together."""

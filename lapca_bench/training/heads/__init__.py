"""Small maps over a frozen encoder, and how they are trained."""

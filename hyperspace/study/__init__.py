"""Study: its arguments, the decisions that follow from them, and the resulting settings."""

"""What several folders of tests share: comparisons that allow for rounding."""

"""What workflows know of activities: names, inputs and results, without their implementations."""

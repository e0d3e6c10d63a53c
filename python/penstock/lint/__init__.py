"""What is wrong or doubtful in pipeline files, told without touching a network."""

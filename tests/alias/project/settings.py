GREETING = "Welcome to the shop"
LARGEST_ORDER = 10

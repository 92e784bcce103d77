print("mae")

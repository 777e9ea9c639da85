"""The texts of Word, PowerPoint, Excel and PDF files, read by a process of its own with little memory and time."""

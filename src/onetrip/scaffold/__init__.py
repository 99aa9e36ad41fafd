"""Text that a project begins with, and text that is put into it later."""

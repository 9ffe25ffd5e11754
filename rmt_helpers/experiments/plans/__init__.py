"""The experiments as they are asked for: a name, a question, the configurations, and where the work is.

Nothing here imports what the work needs, so that stored results are read and checked without torch.
"""

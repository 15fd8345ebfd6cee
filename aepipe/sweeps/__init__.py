"""Training many settings of one model in one program.

All but the builder, the choice and the overlay need torch alone.
"""

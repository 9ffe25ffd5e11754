"""Everything that touches torch: data sets, networks, training, and a network's weight matrices.

`import rmt_helpers` never imports this wing; `pip install "rmt-helpers[nets]"` brings what it
needs.
"""

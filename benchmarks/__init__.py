"""The figures of docs/benchmarks: each benchmark runs this project and a peer in turn, on the same input.

``python -m benchmarks`` runs them all; ``--help`` lists the flags. Every measured run is a process of its
own, so that peak memory belongs to one peer alone.
"""

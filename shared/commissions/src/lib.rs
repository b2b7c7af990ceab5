//! Cycles, processes, runs, settlements, statements, live indicators.

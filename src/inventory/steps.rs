//! Simulation objects.

"""Post-processing: rows of earlier passes, resampled and regrouped by what their columns declare."""

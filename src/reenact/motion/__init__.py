"""From keypoints to motion fields, and motion between people."""

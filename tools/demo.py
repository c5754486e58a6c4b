"""The demo: the astronaut of scikit-image moves like a recorded face.

    python tools/demo.py [FOLDER]

The portrait (NASA, public domain) is read from scikit-image, the motion from the template that
comes with the package; nothing is downloaded. Everything else is one `reenact animate`. The
template belongs to the weights; new ones need it recorded again from the same clip:

    reenact template CLIP -o src/reenact/weights/demo-motion.safetensors --overwrite --note NOTE
"""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path

from skimage.data import astronaut

from reenact.video import save_image

TEMPLATE = "demo-motion.safetensors"


def main(folder: Path) -> int:
    """Write the portrait and its animation into a folder; returns the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    portrait, video = folder / "astronaut.png", folder / "astronaut.mp4"
    save_image(portrait, astronaut())
    with resources.as_file(resources.files("reenact") / "weights" / TEMPLATE) as motion:
        code = animate(portrait, motion, video)
    if code == 0:
        print(f"The portrait {portrait} moves in {video.resolve()}")
    return code


def animate(portrait: Path, motion: Path, video: Path) -> int:
    """Run the command that users run."""
    command = Path(sys.executable).with_name("reenact")
    words: list[str | Path] = [command, "animate", portrait, motion, "-o", video, "--overwrite"]
    print("$ reenact", *words[1:], flush=True)
    return subprocess.run(words, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo")))

"""torchvision imports beside any torch."""

import subprocess
import sys


def test_torchvision_can_be_imported_after_the_operators_are_defined_twice():
    program = (
        "from aepipe.data.torchvision_operators import define_missing_operators as define\n"
        "define(); define()\n"
        "import torchvision.datasets, torch\n"
        "torch.ops.torchvision.nms; torch.ops.torchvision.qnms; print('imported')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "imported"

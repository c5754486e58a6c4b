import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close

from reenact.config import SIZES
from reenact.errors import ReenactError
from reenact.layers.grid import identity_grid
from reenact.model import FaceletModel, build_model, warp_visible
from reenact.records import NUM_REGIONS, Animation, Motion, Parsing
from reenact.training.losses import PerceptualLoss
from stubs import SeededMaps
from tiny_model import block_parsing, make_generator, make_model, smooth_images

SIDES = (4, 8, 16, 32, 64)


class StubParser:
    """Calls the left half skin, the right half hair."""

    def parse(self, image: Tensor) -> Parsing:
        labels = torch.ones(len(image), *image.shape[-2:], dtype=torch.long)
        labels[..., image.shape[-1] // 2 :] = 14
        return Parsing(labels)


class StubPoseEncoder(nn.Module):
    """A module with weights of its own, as a real reader is."""

    code = "reader6"
    width = 6

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(3, 6)

    def encode(self, image: Tensor) -> Tensor:
        code: Tensor = self.project(image.mean(dim=(-2, -1)))
        return code


@pytest.fixture(scope="module")
def model() -> FaceletModel:
    return make_model().requires_grad_(False)


@pytest.fixture
def source() -> Tensor:
    return smooth_images(seed=1)


@pytest.fixture
def driving() -> Tensor:
    return smooth_images(seed=2)


@pytest.fixture
def parsing() -> Parsing:
    return block_parsing(seed=3)


@pytest.fixture
def pose() -> Tensor:
    return torch.randn(2, 6, generator=make_generator(4))


def tensors_of(animation: Animation) -> list[Tensor]:
    found: list[Tensor] = []

    def collect(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    animation.map(collect)
    return found


def test_shapes_and_ranges(
    model: FaceletModel, source: Tensor, driving: Tensor, parsing: Parsing, pose: Tensor
) -> None:
    out = model(source, driving, parsing, pose)
    assert out.frame.shape == (2, 3, 64, 64)
    assert 0 <= out.frame.min() <= out.frame.max() <= 1
    assert out.motion.masks.shape == (2, 11, 16, 16)
    assert_close(out.motion.masks.sum(1), torch.ones(2, 16, 16))
    for flow, occlusion, side in zip(out.motion.flows, out.motion.occlusions, SIDES, strict=True):
        assert flow.shape == (2, side, side, 2)
        assert occlusion.shape == (2, 1, side, side)
        assert 0 <= occlusion.min() <= occlusion.max() <= 1
    assert out.compensation is not None
    for attention, null, side in zip(
        out.compensation.attention, out.compensation.null, SIDES[:-1], strict=True
    ):
        assert attention.shape == (2, NUM_REGIONS, side, side)
        assert_close(attention.sum(1, keepdim=True) + null, torch.ones(2, 1, side, side))


def test_encoding_the_source_once_equals_encoding_it_for_each_frame(
    model: FaceletModel, source: Tensor, driving: Tensor, parsing: Parsing, pose: Tensor
) -> None:
    state = model.encode_source(source, parsing, pose)
    for frame in (driving, source.flip(0)):
        once = model.render(state, model.read_motion(frame, pose))
        each = model(source, frame, parsing, pose, pose)
        assert_close(tensors_of(once), tensors_of(each))


def test_two_in_a_batch_equal_two_batches_of_one(
    model: FaceletModel, source: Tensor, driving: Tensor, parsing: Parsing, pose: Tensor
) -> None:
    together = model(source, driving, parsing, pose)
    for row in range(2):
        one = slice(row, row + 1)
        alone = model(source[one], driving[one], Parsing(parsing.labels[one]), pose[one])
        assert_close(alone.frame, together.frame[one], atol=1e-5, rtol=0)


def test_its_own_motion_leaves_every_feature_in_place(
    model: FaceletModel, source: Tensor, parsing: Parsing, pose: Tensor
) -> None:
    state = model.encode_source(source, parsing, pose)
    out = model.render(state, Motion(state.keypoints, pose))
    for flow, side in zip(out.motion.flows, SIDES, strict=True):
        assert_close(flow, identity_grid(side, side).expand_as(flow), atol=1e-4, rtol=0)
    moved = warp_visible(state.features, out.motion)
    for feature, occlusion, warped in zip(
        state.features, out.motion.occlusions, moved, strict=True
    ):
        assert_close(warped, feature * occlusion, atol=1e-3, rtol=1e-3)


def test_the_pose_steers_masks_and_picture(
    model: FaceletModel, source: Tensor, driving: Tensor, parsing: Parsing, pose: Tensor
) -> None:
    one, other = model(source, driving, parsing, pose), model(source, driving, parsing, -pose)
    assert (one.motion.masks - other.motion.masks).abs().max() > 1e-4
    assert (one.frame - other.frame).abs().max() > 1e-4


def test_pose_is_standardised_once_and_kept_raw(source: Tensor, pose: Tensor) -> None:
    model = make_model()
    mean, deviation = pose.mean(0), pose.std(0)
    model.set_pose_statistics(mean, deviation)
    assert_close(model.standardise(pose), (pose - mean) / deviation)
    assert_close(model.read_motion(source, pose).pose, pose)
    unchanged = make_model("pose.standardise=false")
    unchanged.set_pose_statistics(mean, deviation)
    assert_close(unchanged.standardise(pose), pose)


def test_attached_networks_are_asked_for_what_is_not_given(source: Tensor, driving: Tensor) -> None:
    encoder = StubPoseEncoder()
    model = make_model().attach(StubParser(), encoder)
    given = model(source, driving, StubParser().parse(source), encoder.encode(driving))
    assert_close(model(source, driving).frame, given.frame)
    assert_close(model.read_motion(driving).pose, encoder.encode(driving))


def test_attached_networks_get_no_gradient_and_are_in_no_file(
    source: Tensor, driving: Tensor
) -> None:
    model, encoder = make_model(), StubPoseEncoder()
    names = set(model.state_dict())
    model.attach(StubParser(), encoder)
    model(source, driving).frame.sum().backward()
    assert all(parameter.grad is None for parameter in encoder.parameters())
    assert set(model.state_dict()) == names


def test_missing_networks_are_named(
    model: FaceletModel, source: Tensor, driving: Tensor, parsing: Parsing, pose: Tensor
) -> None:
    with pytest.raises(ReenactError, match="no parser is attached"):
        model(source, driving, driving_pose=pose)
    with pytest.raises(ReenactError, match="no pose encoder is attached"):
        model(source, driving, parsing)
    for other in ("pose={code: ours, width: 4}", "pose={code: ours, width: 6}"):
        with pytest.raises(
            ReenactError, match="its code is 'reader6' of 6 numbers, expected 'ours'"
        ):
            make_model(other).attach(pose_encoder=StubPoseEncoder())


def test_pose_codes_of_another_width_are_refused() -> None:
    with pytest.raises(ReenactError, match="found 6 numbers, expected 3 for 'deca_rot3'"):
        make_model("pose={code: deca_rot3, width: 3}").set_pose_statistics(
            torch.zeros(6), torch.ones(6)
        )


def test_without_a_bank_neither_parsing_nor_compensation(
    source: Tensor, driving: Tensor, pose: Tensor
) -> None:
    model = make_model("bank.enabled=false")
    out = model(source, driving, driving_pose=pose)
    assert out.compensation is None
    assert not [name for name in model.state_dict() if name.startswith(("bank", "compensation"))]


def test_the_temperature_reaches_the_dynamic_layers(
    source: Tensor, driving: Tensor, parsing: Parsing, pose: Tensor
) -> None:
    model = make_model()
    sharp = model(source, driving, parsing, pose)
    model.set_dynamic_temperature(1e6)
    even = model(source, driving, parsing, pose)
    assert sharp.compensation is not None
    assert even.compensation is not None
    difference = sharp.compensation.attention[0] - even.compensation.attention[0]
    assert difference.abs().max() > 1e-6
    assert model.state_dict()["compensation.temperature"] == 1e6


VARIANTS = {
    "plain estimator": ["motion.estimator=hourglass", "motion.estimator_base=8"],
    "both poses": ["motion.pose_input=driving_and_source"],
    "shared affine": ["motion.affine_maps=1"],
    "no bank": ["bank.enabled=false"],
    "prenorm": ["bank.residual=prenorm"],
    "literal masks": ["bank.mask_resize=nearest", "bank.absent=zero"],
    "literal query": ["compensation.query=literal", "compensation.null_token=false"],
    "static layers": ["compensation.kernels=1", "compensation.query_kernel=1"],
    "stem": ["compensation.scales=5"],
    "two scales": ["compensation.scales=2"],
    "no pose in the decoder": ["decoder.pose_aware=false"],
    "literal decoder": ["decoder.full_resolution_skip=false", "decoder.image_blend=false"],
}


@pytest.mark.parametrize("overrides", VARIANTS.values(), ids=VARIANTS.keys())
def test_every_variant_builds_from_a_config_alone_and_learns(overrides: list[str]) -> None:
    losses = overfit(make_model(*overrides), side=64, pairs=2, steps=9, learning_rate=1e-3)
    assert min(losses[-3:]) < 0.7 * losses[0], "single steps may go astray"


def test_every_parameter_takes_part(
    source: Tensor, driving: Tensor, parsing: Parsing, pose: Tensor
) -> None:
    """Distributed training waits for the gradient of each; no region may switch one off."""
    model = make_model().train()
    nothing = Parsing(torch.zeros_like(parsing.labels))
    model(source, driving, nothing, pose).frame.mean().backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None]


@pytest.mark.parametrize("seen", [(), (1,), (1, 14)], ids=["no region", "one", "two"])
def test_any_set_of_regions_gives_a_picture(
    model: FaceletModel, source: Tensor, driving: Tensor, pose: Tensor, seen: tuple[int, ...]
) -> None:
    labels = torch.zeros(2, 64, 64, dtype=torch.long)
    for column, label in enumerate(seen):
        labels[:, :, 8 * column : 8 * column + 8] = label
    assert model(source, driving, Parsing(labels), pose).frame.isfinite().all()


def test_bfloat16_leaves_the_flow_alone_and_hardly_changes_the_picture(
    model: FaceletModel, source: Tensor, driving: Tensor, parsing: Parsing, pose: Tensor
) -> None:
    exact = model(source, driving, parsing, pose)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = model(source, driving, parsing, pose)
    assert_close(rounded.motion.flows, exact.motion.flows, atol=0, rtol=0)
    assert_close(rounded.motion.occlusions, exact.motion.occlusions, atol=0, rtol=0)
    assert (rounded.frame - exact.frame).abs().mean() < 0.02
    assert rounded.frame.dtype == torch.float32


def overfit(
    model: FaceletModel, side: int, pairs: int, steps: int, learning_rate: float
) -> list[float]:
    """Train a model on a few shifted pictures, on its own device; L_p of every step."""
    device, generator = next(model.parameters()).device, make_generator(5)
    coarse = torch.rand(pairs, 3, 4, 4, generator=generator)
    labels = torch.randint(0, NUM_REGIONS + 1, (pairs, 64, 64), generator=generator)
    pose = torch.randn(pairs, 6, generator=generator).to(device)
    driving = F.interpolate(coarse, (side, side), mode="bilinear", align_corners=True).to(device)
    source = driving.roll(side // 16, -1)
    parsing = Parsing(labels.repeat_interleave(side // 64, 1).repeat_interleave(side // 64, 2))
    parsing = parsing.to(device)
    optimizer = torch.optim.Adam(model.train().parameters(), learning_rate, betas=(0.5, 0.999))
    perceptual = PerceptualLoss(SeededMaps(), (1.0, 0.5, 0.25)).to(device)  # type: ignore[arg-type]
    losses = []
    for _ in range(steps):
        loss = perceptual(model(source, driving, parsing, pose, -pose).frame, driving)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_a_few_steps_fit_two_pairs() -> None:
    losses = overfit(make_model(), side=64, pairs=2, steps=12, learning_rate=1e-3)
    assert min(losses[-3:]) < 0.7 * losses[0]


def test_fifty_steps_fit_eight_pairs() -> None:
    losses = overfit(make_model(), side=64, pairs=8, steps=50, learning_rate=2e-3)
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.gpu
@pytest.mark.parametrize("size", ["s", "b"])
def test_fifty_steps_fit_eight_pairs_at_full_size(size: str) -> None:
    torch.manual_seed(0)
    model = build_model(SIZES[size]).to("cuda")
    losses = overfit(model, side=256, pairs=8, steps=50, learning_rate=4e-4)
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.slow
def test_compiles_without_a_graph_break(
    source: Tensor, driving: Tensor, parsing: Parsing, pose: Tensor
) -> None:
    model = make_model().train()

    def run(source: Tensor, driving: Tensor, labels: Tensor, pose: Tensor) -> Tensor:
        out: Animation = model(source, driving, Parsing(labels), pose)
        return out.frame

    compiled = torch.compile(run, fullgraph=True, backend="eager")
    inputs = (source, driving, parsing.labels, pose)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_close(compiled(*inputs), run(*inputs))


PARAMETERS = {
    "keypoint_detector": 2_401_240,
    "motion": 3_301_692,
    "encoder": 2_458_688,
    "decoder": 2_751_779,
    "bank": 2_567_168,
    "compensation": 2_381_376,
}
DESIGN = {
    "keypoint_detector": 2.40e6,
    "motion": 3.30e6,
    "encoder": 2.46e6,
    "decoder": 2.75e6,
    "bank": 2.57e6,
    "compensation": 2.38e6,
}


def test_the_shipped_size_has_the_parameters_of_the_design() -> None:
    with torch.device("meta"):
        model = build_model(SIZES["s"])
    counts = {
        name: sum(parameter.numel() for parameter in part.parameters())
        for name, part in model.named_children()
    }
    assert counts == PARAMETERS
    for name, designed in DESIGN.items():
        assert abs(counts[name] - designed) < 0.01 * designed, name
    assert abs(sum(counts.values()) - 15.9e6) < 0.01 * 15.9e6


def test_the_papers_size_has_the_parameters_of_the_prototype() -> None:
    with torch.device("meta"):
        model = build_model(SIZES["b"])
    prototype = {"motion": 12.755e6, "encoder": 9.816e6, "decoder": 10.131e6, "bank": 14.408e6}
    for name, designed in prototype.items():
        count = sum(parameter.numel() for parameter in model.get_submodule(name).parameters())
        assert abs(count - designed) < 0.001 * designed, name

"""The head mesh: one connected surface with three openings."""

import torch
from torch.testing import assert_close

from data.portraits import average_face
from reenact.data.portrait_mesh import NUM_RINGS, load_head_mesh
from reenact.data.surface import vertex_normals
from reenact.perception.mesh import mirror_order


def test_triangles_use_every_point_except_what_edges_replace() -> None:
    mesh = load_head_mesh()
    count = mesh.first_edge + len(mesh.edge_points)
    assert mesh.triangles.min() == 0
    assert mesh.triangles.max() == count - 1
    assert torch.equal(mesh.triangles.unique(), torch.arange(count))
    assert mesh.first_edge == 468 + NUM_RINGS * 36


def test_openings_come_last_and_only_they_use_edge_points() -> None:
    mesh = load_head_mesh()
    is_edge = mesh.triangles >= mesh.first_edge
    assert not is_edge[: mesh.first_opening_triangle].any()
    assert is_edge[mesh.first_opening_triangle :].all()
    mouth = mesh.triangles[mesh.first_mouth_triangle :]
    assert mouth.min() == mesh.mouth_edge.start
    assert mouth.max() == mesh.mouth_edge.stop - 1


def test_edges_touch_the_surface_where_it_was_cut() -> None:
    mesh = load_head_mesh()
    surface = mesh.triangles[: mesh.first_opening_triangle]
    assert torch.isin(mesh.edge_points, surface).all()


def test_upper_edges_are_above_lower_edges_and_meet_at_the_corners() -> None:
    mesh = load_head_mesh()
    face = average_face(mesh).unsqueeze(0)
    for opening in (mesh.right_eye, mesh.left_eye, mesh.mouth):
        assert opening.upper[0] == opening.lower[0]
        assert opening.upper[-1] == opening.lower[-1]
        assert (opening.gaps(face) > -1e-3).all()
        assert (face[0, opening.upper, 0].diff().sign().unique()).numel() == 1


def test_normals_of_a_face_are_mirror_symmetric_and_point_at_the_camera() -> None:
    mesh = load_head_mesh()
    normals = vertex_normals(average_face(mesh)[None, :468], mesh.surface_triangles)[0]
    assert (normals[:, 2] < 0).all()
    assert normals[4, 2] < -0.95
    mirrored = normals[mirror_order()[:468]] * torch.tensor([-1.0, 1.0, 1.0])
    assert_close(normals, mirrored, atol=0.05, rtol=0)
    assert_close(normals.norm(dim=-1), torch.ones(468))


def test_only_lids_belong_to_an_eye() -> None:
    mesh = load_head_mesh()
    assert_close(mesh.lid_weights[0, mesh.right_eye.upper], torch.ones(9))
    assert (mesh.lid_weights[0, mesh.left_eye.upper] < 1e-3).all()
    assert (mesh.lid_weights[:, mesh.mouth.upper] < 1e-3).all()
    assert (mesh.lid_weights[:, 468:] == 0).all()

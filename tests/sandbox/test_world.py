from __future__ import annotations

from sandbox import Clock, Follow, World


def test_history_has_every_follow_and_its_end_and_truth_what_is_left() -> None:
    world = World.of({"alice": [Follow("bob", 10)]})
    world.clock = Clock(start=100)
    world.unfollow("alice", "bob")
    world.clock.advance(50)
    world.follow("alice", "bob", at=150)
    world.follow("alice", "dave", at=151)
    assert world.truth("alice") == [Follow("bob", 150)]
    world.clock.advance(1)
    world.unfollow("alice", "bob")
    assert world.truth("alice") == [Follow("dave", 151)]
    assert world.history("alice") == [
        Follow("bob", 10, until=100),
        Follow("bob", 150, until=151),
        Follow("dave", 151),
    ]


def test_renamed_account_keeps_its_id_its_list_its_place_on_lists_and_its_status() -> None:
    world = World.of({"alice": [Follow("bob", 1)], "bob": [Follow("carol", 2)]})
    statuses = [world.private, world.hidden_lists, world.unavailable, world.hidden]
    for usernames in statuses:
        usernames.add("bob")
    user_id = world.accounts["bob"].user_id
    world.rename("bob", "bobby")
    assert world.history("alice") == [Follow("bobby", 1)]
    assert world.truth("bobby") == [Follow("carol", 2)]
    assert world.accounts["bobby"].user_id == user_id
    assert (world.usernames, statuses) == (["alice", "bobby"], [{"bobby"}] * 4)

"""What makes labels and tracks a valid result of the Cell Tracking Challenge."""

from fastershift.labels import as_labels, label_areas


def ctc_problems(labels, lineage):
    """Say in one sentence each what is wrong; nothing where the result is valid."""
    problems = []
    tracks = {track.id: track for track in lineage.tracks}
    if len(tracks) < len(lineage.tracks):
        problems.append("Two tracks have the same id.")
    for track in lineage.tracks:
        if track.id < 1:
            problems.append(f"The id {track.id} is below 1.")
        if not 0 <= track.first <= track.last:
            problems.append(
                f"Track {track.id} runs from frame {track.first} to {track.last}."
            )
        if track.parent and track.parent not in tracks:
            problems.append(f"Track {track.id} has a parent that does not exist.")
        elif track.parent and tracks[track.parent].last >= track.first:
            problems.append(f"Track {track.id} begins before its parent ends.")

    claimed = {
        (track.id, time)
        for track in lineage.tracks
        for time in range(track.first, track.last + 1)
    }
    found = {
        (label, time)
        for time, frame in enumerate(as_labels(labels, 3))
        for label in label_areas(frame)[0].tolist()
    }
    problems += [
        f"Track {label} has no pixel in frame {time}."
        for label, time in sorted(claimed - found)
    ]
    problems += [
        f"Label {label} of frame {time} belongs to no track."
        for label, time in sorted(found - claimed)
    ]
    return problems

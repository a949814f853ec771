#!/usr/bin/env python3
"""Decodes a .pftrace with Perfetto's own protobufs, and checks what trace processor would count as an error.

    perfetto_lint.py FILE          prints its tracks with their slices as JSON

Exit code 77: Python has no package `perfetto`. Trace processor itself is not used: it is a download of its own. Each check
below names the entry of its table `stats` that would not be 0.
"""

import json
import sys

try:
    from google.protobuf.unknown_fields import UnknownFieldSet
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as pb
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(77)

CLEARED, NEEDED = 1, 2


def check(holds, stat, what):
    if not holds:
        sys.exit(f"{stat}: {what}")


def no_unknown_fields(message):
    check(len(UnknownFieldSet(message)) == 0, "decoding", f"a field that Perfetto does not know in {message}")
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for one in value if hasattr(value, "__len__") else [value]:
                no_unknown_fields(one)


class Lint:
    def __init__(self):
        self.tracks, self.known, self.sequence_is_valid = {}, {}, False
        self.events = []

    def packet(self, packet):
        no_unknown_fields(packet)
        check(packet.trusted_packet_sequence_id != 0, "track_event_parser_errors", "a packet without a sequence")
        if packet.sequence_flags & CLEARED:
            self.known, self.sequence_is_valid = {}, True
        if packet.sequence_flags & NEEDED:
            check(self.sequence_is_valid, "interned_data_tokenizer_errors", "state is needed before it was begun")
        if packet.HasField("interned_data"):
            self.intern(packet.interned_data)
        if packet.HasField("track_descriptor"):
            self.track(packet.track_descriptor)
        if packet.HasField("track_event"):
            check(packet.HasField("timestamp"), "track_event_tokenizer_errors", "an event without a timestamp")
            check(packet.timestamp < 2**63, "track_event_tokenizer_errors", "a timestamp that is no int64")
            self.event(packet.timestamp, packet.track_event)

    def intern(self, data):
        for field, entries in data.ListFields():
            for entry in entries:
                check(entry.iid != 0, "interned_data_tokenizer_errors", f"an entry without a number in {field.name}")
                same = self.known.setdefault(field.name, {}).setdefault(entry.iid, entry)
                check(same == entry, "interned_data_tokenizer_errors", f"two entries {entry.iid} in {field.name}")
        for mapping in data.mappings:
            for path in mapping.path_string_ids:
                self.has("mapping_paths", path, "stackprofile_invalid_string_id")
        for frame in data.frames:
            self.has("mappings", frame.mapping_id, "stackprofile_invalid_mapping_id")
            self.has("function_names", frame.function_name_id, "stackprofile_invalid_string_id")
            if frame.HasField("source_path_iid"):
                self.has("source_paths", frame.source_path_iid, "stackprofile_invalid_string_id")
        for callstack in data.callstacks:
            check(callstack.frame_ids, "stackprofile_parser_error", "an empty stack")
            for frame in callstack.frame_ids:
                self.has("frames", frame, "stackprofile_invalid_frame_id")

    def has(self, field, iid, stat):
        check(iid in self.known.get(field, {}), stat, f"{field} has no {iid}")

    def track(self, track):
        check(track.uuid != 0 and track.uuid not in self.tracks, "track_event_tokenizer_errors", f"track {track.uuid} again")
        if track.HasField("parent_uuid"):
            check(track.parent_uuid in self.tracks, "track_hierarchy_missing_uuid", f"no parent {track.parent_uuid}")
            parent = self.tracks[track.parent_uuid]["descriptor"]
            check(parent.child_ordering == track.EXPLICIT, "order", "ranks below a parent that does not order by them")
        ranks = [t["descriptor"].sibling_order_rank for t in self.tracks.values() if t["descriptor"].parent_uuid == track.parent_uuid]
        check(track.sibling_order_rank not in ranks, "order", f"two siblings of rank {track.sibling_order_rank}")
        self.tracks[track.uuid] = {"descriptor": track, "open": None, "slices": [], "end": 0}

    def event(self, at, event):
        check(event.track_uuid in self.tracks, "track_event_parser_errors", f"no track {event.track_uuid}")
        track = self.tracks[event.track_uuid]
        check(at >= track["end"], "misplaced_end_event", "an event before the one that stands before it")
        track["end"] = at
        for category in event.category_iids:
            self.has("event_categories", category, "interned_data_tokenizer_errors")
        if event.type == event.TYPE_SLICE_END:
            check(track["open"] is not None, "misplaced_end_event", "an end without a beginning")
            start, begun = track["open"]
            track["open"] = None
            name = self.known["event_names"][begun.name_iid].name
            weight = begun.callstack_weight if begun.HasField("callstack_iid") else None
            check(weight is None or weight == at - start, "weight", "a stack that does not weigh what its slice takes")
            frames = self.known["callstacks"][begun.callstack_iid].frame_ids if weight is not None else []
            names = [self.known["function_names"][self.known["frames"][f].function_name_id].str.decode() for f in frames]
            track["slices"].append({"name": name, "start_ns": start, "dur_ns": at - start, "stack": names})
            return
        check(event.type == event.TYPE_SLICE_BEGIN, "track_event_parser_errors", "neither beginning nor end")
        check(track["open"] is None, "slice_drop_overlapping_complete_event", "a slice inside another one")
        self.has("event_names", event.name_iid, "interned_data_tokenizer_errors")
        for annotation in event.debug_annotations:
            self.has("debug_annotation_names", annotation.name_iid, "interned_data_tokenizer_errors")
        if event.HasField("callstack_iid"):
            self.has("callstacks", event.callstack_iid, "stackprofile_invalid_callstack_id")
        track["open"] = (at, event)
        self.events.append((at, event))

    def flows(self):
        """As trace processor sees them: in the order of time."""
        begun = set()
        ended = set()
        for _, event in sorted(self.events, key=lambda e: e[0]):
            for flow in event.flow_ids:
                check(flow != 0 and flow not in begun, "flow_duplicate_id", flow)
                begun.add(flow)
            for flow in event.terminating_flow_ids:
                check(flow in begun and flow not in ended, "flow_end_without_start", flow)
                ended.add(flow)
        check(begun == ended, "flow_step_without_start", begun - ended)
        return len(begun)

    def result(self):
        check(all(t["open"] is None for t in self.tracks.values()), "misplaced_end_event", "a slice without an end")
        tracks = [
            {
                "uuid": uuid,
                "parent": track["descriptor"].parent_uuid,
                "rank": track["descriptor"].sibling_order_rank,
                "name": track["descriptor"].name,
                "slices": track["slices"],
            }
            for uuid, track in self.tracks.items()
        ]
        return {"flows": self.flows(), "tracks": tracks}


def main():
    trace = pb.Trace()
    with open(sys.argv[1], "rb") as file:
        trace.ParseFromString(file.read())
    lint = Lint()
    check(trace.packet and trace.packet[0].first_packet_on_sequence, "interned_data_tokenizer_errors", "no beginning")
    for packet in trace.packet:
        lint.packet(packet)
    json.dump(lint.result(), sys.stdout)


main()

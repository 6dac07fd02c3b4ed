# Generated from ch06/01_tokenization.ipynb by `make export`: do not edit.
"""What ch06/01_tokenization.ipynb exports for other notebooks."""

__all__ = ['SHOWN', 'HIDDEN', 'ALPHABET', 'BYTE_OF', 'SPACE', 'FIELDS', 'GGUF_NUMBERS', 'merged', 'spelled', 'category_class',
           'pretoken_pattern', 'pretokens', 'learn_merges', 'bytes_of', 'Vocabulary', 'merge_by_rank', 'ranked',
           'split_at', 'chosen', 'Encoder', 'read_fields', 'write_whole', 'gguf_fields', 'gguf_vocabulary',
           'learned_vocabulary', 'BPETokenizer']


import heapq
import json
import re
import struct
import unicodedata
from collections import Counter, defaultdict
from functools import lru_cache
from itertools import chain, pairwise
from operator import index
from pathlib import Path


def merged(word, pair, new):
    """Replace a pair of neighbors by a new piece, from left to right.

    Parameters
    ----------
    word : sequence
        The pieces.
    pair : tuple
        Two of them.
    new : object
        What stands for the pair from now on.

    Returns
    -------
    list
        The pieces after (6.1.3).
    """
    out, i, last = [], 0, len(word) - 1
    while i <= last:
        hit = i < last and (word[i], word[i + 1]) == pair
        out.append(new if hit else word[i])  # (6.1.3)
        i += 1 + hit
    return out


SHOWN = [b for b in range(33, 256) if chr(b).isprintable()]
HIDDEN = [b for b in range(256) if b not in SHOWN]
ALPHABET = {b: chr(b) for b in SHOWN} | {
    b: chr(256 + k) for k, b in enumerate(HIDDEN)}  # (6.1.4)
BYTE_OF = {char: b for b, char in ALPHABET.items()}


def spelled(data):
    """Write bytes in the letters of (6.1.4), one for each."""
    return "".join(map(ALPHABET.__getitem__, data))


SPACE = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"


def category_class(kind, codes):
    """Write the code points of one Unicode category, L or N, as ranges."""
    runs = []
    for code in range(codes):
        if unicodedata.category(chr(code))[0] == kind:
            if not runs or code > runs[-1][1] + 1:
                runs.append([code, code])
            runs[-1][1] = code
    return "".join(rf"\U{low:08x}-\U{high:08x}" for low, high in runs)


@lru_cache
def pretoken_pattern(single_digits=False, codes=0x40000):
    """Return GPT-2's pattern, for text whose code points are below `codes`."""
    L, N = category_class("L", codes), category_class("N", codes)
    number = f"[{N}]" if single_digits else f" ?[{N}]+"
    stop = N if single_digits else ""
    return re.compile(
        f"'(?:s|t|re|ve|m|ll|d)| ?[{L}]+|{number}| ?[^{SPACE}{L}{N}]+"
        f"|[{SPACE}]+(?![^{SPACE}{stop}])|[{SPACE}]+"
    )


def pretokens(text, single_digits=False):
    """Cut a text into pre-tokens; joined, they are the text again."""
    codes = 128 if text.isascii() else 0x40000
    return pretoken_pattern(single_digits, codes).findall(text)


def learn_merges(counts, n_merges):
    """Learn byte-pair merges. Implements (6.1.2) by way of (6.1.5).

    Parameters
    ----------
    counts : dict of bytes to int
        How often each pre-token occurs.
    n_merges : int
        How many to learn; fewer if no pair is left.

    Returns
    -------
    list of tuple of int
        The merged pairs; merge k makes the id 256 + k.
    """
    ids = {b: i for i, b in enumerate(ALPHABET)}
    words, f = [[ids[b] for b in word] for word in counts], [*counts.values()]
    total, where, merges = Counter(), defaultdict(set), []
    for w, word in enumerate(words):
        for pair in pairwise(word):
            total[pair] += f[w]  # (6.1.1)
            where[pair].add(w)
    heap = [(-count, pair) for pair, count in total.items()]
    heapq.heapify(heap)
    while heap and len(merges) < n_merges:
        count, pair = heapq.heappop(heap)  # (6.1.2)
        if -count != total[pair]:  # outdated: put it where it belongs
            if total[pair] > 0:
                heapq.heappush(heap, (-total[pair], pair))
            continue
        new, grown = 256 + len(merges), set()
        merges.append(pair)
        for w in where.pop(pair):
            for p in pairwise(words[w]):
                total[p] -= f[w]  # (6.1.5)
            words[w] = merged(words[w], pair, new)
            for p in pairwise(words[w]):
                total[p] += f[w]  # (6.1.5)
                if new in p:
                    where[p].add(w)
                    grown.add(p)
        for p in grown:
            heapq.heappush(heap, (-total[p], p))
    return merges


def bytes_of(token):
    """Return the bytes that a token spells in the letters of (6.1.4)."""
    unknown = sorted(set(token) - BYTE_OF.keys())
    if unknown:
        raise ValueError(f"{unknown[0]!r} in {token!r} stands for no byte")
    return bytes(BYTE_OF[char] for char in token)


class Vocabulary:
    """Token ids and the bytes they stand for. Implements (6.1.6).

    ``ids`` maps ordinary tokens to their ids, ``special_tokens`` the others.

    Parameters
    ----------
    tokens : sequence of str
        Token i in the letters of (6.1.4); a special token as it is.
    special_tokens : sequence of str
        Names of the special tokens.
    """

    def __init__(self, tokens, special_tokens=()):
        self.ids, self.special_tokens, self._bytes = {}, {}, []
        self.tokens = list(tokens)
        for i, token in enumerate(self.tokens):
            if not isinstance(token, str) or not token:
                raise ValueError(f"token {i} is {token!r}, not a text")
            if self.ids.setdefault(token, i) != i:
                raise ValueError(f"token {i} repeats {token!r}")
            special = token in special_tokens
            self._bytes.append(token.encode() if special else bytes_of(token))
        for name in special_tokens:
            if not isinstance(name, str) or name not in self.ids:
                raise ValueError(f"the special token {name!r} has no id")
            self.special_tokens[name] = self.ids.pop(name)

    def __len__(self):
        return len(self.tokens)

    def token_to_id(self, token):
        """Return the id of a token, given as text; ValueError if none."""
        if token in self.special_tokens:
            return self.special_tokens[token]
        if spelled(token.encode()) not in self.ids:
            raise ValueError(f"no token stands for {token!r}")
        return self.ids[spelled(token.encode())]

    def decode_bytes(self, ids):
        """Return the bytes that the ids (T,) stand for."""
        ids = [index(i) for i in ids]
        wrong = [i for i in ids if not 0 <= i < len(self)]
        if wrong:
            raise ValueError(f"no token {wrong[0]}, there are {len(self)}")
        return b"".join([self._bytes[i] for i in ids])  # (6.1.6)

    def decode(self, ids, errors="replace"):
        """Return the text of the ids (T,); see ``bytes.decode`` for errors."""
        return self.decode_bytes(ids).decode("utf-8", errors)


def merge_by_rank(ids, ranks, made):
    """Merge neighbors, lowest rank first. Implements (6.1.7).

    Parameters
    ----------
    ids : list of int
        One token a byte.
    ranks : dict of (int, int) to int
    made : sequence of int
        The token that each merge makes, by rank.

    Returns
    -------
    tuple of int
    """
    ids, n = list(ids), len(ids)
    before, after = list(range(-1, n - 1)), list(range(1, n + 1))
    pairs = enumerate(pairwise(ids))
    heap = [(ranks[pair], i) for i, pair in pairs if pair in ranks]
    heapq.heapify(heap)
    while heap:
        rank, i = heapq.heappop(heap)  # (6.1.7)
        j = after[i]
        if j >= n or ranks.get((ids[i], ids[j])) != rank:
            continue  # one of the two has been merged since
        ids[i], ids[j], after[i] = made[rank], None, after[j]
        if after[i] < n:
            before[after[i]] = i
        for left, right in (before[i], i), (i, after[i]):
            if left >= 0 and right < n:
                rank = ranks.get((ids[left], ids[right]))
                if rank is not None:
                    heapq.heappush(heap, (rank, left))
    return tuple(token for token in ids if token is not None)


def ranked(merges, ids):
    """Return the ranks of pairs, and the token that each merge makes."""
    ranks, made = {}, {}
    for k, merge in enumerate(merges):
        parts = merge.split(" ") if isinstance(merge, str) else ()
        if len(parts) != 2:
            raise ValueError(f"merge {k} is {merge!r}, not two tokens")
        for token in (*parts, "".join(parts)):
            if token not in ids:
                raise ValueError(f"merge {k} needs {token!r}, not a token")
        if any(len(part) > 1 and ids[part] not in made for part in parts):
            raise ValueError(f"merge {k}, {merge!r}, comes before its parts")
        token = ids["".join(parts)]
        if token in made:
            raise ValueError(f"merge {k}, {merge!r}, makes a token again")
        ranks[ids[parts[0]], ids[parts[1]]] = made[token] = k
    return ranks, list(made)


def split_at(text, names):
    """Cut a text at some names; the names stand in the odd places."""
    longest_first = sorted(names, key=len, reverse=True)
    pattern = "|".join(map(re.escape, longest_first))
    return re.split(f"({pattern})", text) if names else [text]


def chosen(names, special_tokens):
    """Return the special tokens that are allowed, by name or as "all"."""
    names = list(special_tokens if names == "all" else names)
    for name in names:
        if name not in special_tokens:
            raise ValueError(f"{name!r} is not a special token")
    return names


class Encoder(Vocabulary):
    """A vocabulary that encodes text by merge rank. Implements (6.1.7).

    Parameters
    ----------
    tokens, special_tokens : sequence of str
        See `Vocabulary`.
    merges : sequence of str
        Two tokens and a space between them, in the order of their ranks.
    single_digits : bool
        Whether each digit is a pre-token of its own.
    """

    def __init__(self, tokens, merges, special_tokens=(), single_digits=False):
        super().__init__(tokens, special_tokens)
        self.merges, self.single_digits = list(merges), single_digits
        self._ranks, self._made = ranked(self.merges, self.ids)
        self._byte = {b: self.ids.get(char) for b, char in ALPHABET.items()}
        self._piece = lru_cache(maxsize=2**16)(self._encode_piece)

    def encode(self, text, allowed_special=()):
        """Return the ids (T,) of a text.

        Special tokens in it are read as text, unless they are named in
        `allowed_special`; "all" names them all.
        """
        if not isinstance(text, str):
            raise TypeError(f"text is a str, got {type(text).__name__}")
        text.encode("utf-8")  # refuses half of a surrogate pair
        return self._encode(text, chosen(allowed_special, self.special_tokens))

    def encode_bytes(self, data):
        """Return the ids of bytes, which need not be UTF-8."""
        return self._encode(bytes(data).decode("utf-8", "surrogateescape"))

    def _encode(self, text, names=()):
        ids = []
        for k, part in enumerate(split_at(text, names)):
            if k % 2:
                ids.append(self.special_tokens[part])
            else:
                pieces = pretokens(part, self.single_digits)
                ids.extend(chain.from_iterable(map(self._piece, pieces)))
        return ids

    def _encode_piece(self, piece):
        data = piece.encode("utf-8", "surrogateescape")
        ids = [self._byte[b] for b in data]
        if None in ids:
            b = data[ids.index(None)]
            raise ValueError(f"no token for the byte 0x{b:02X}")
        return merge_by_rank(ids, self._ranks, self._made)


FIELDS = {"format": str, "tokens": list, "merges": list,
          "special_tokens": list, "single_digits": bool}


def read_fields(path):
    """Return the fields of a saved tokenizer, checked for kind.

    Raises
    ------
    ValueError
        If the file is not JSON, or a field is missing, unknown or wrong.
    """
    try:
        fields = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(fields, dict) or fields.get("format") != "bpe-1":
        raise ValueError(f"{path} is not a tokenizer of format 'bpe-1'")
    for name in sorted(fields.keys() | FIELDS.keys()):
        if name not in fields:
            raise ValueError(f"{path} lacks the field {name!r}")
        if name not in FIELDS:
            raise ValueError(f"{path} has an unknown field {name!r}")
        if not isinstance(fields[name], FIELDS[name]):
            kind = FIELDS[name].__name__
            raise ValueError(f"{path}: {name!r} is not a {kind}")
    return fields


def write_whole(path, text):
    """Write a text file, or leave the old one as it was."""
    part = Path(path).with_name(f"{Path(path).name}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


GGUF_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f",
                7: "?", 10: "Q", 11: "q", 12: "d"}


def gguf_fields(path):
    """Return the names and values at the head of a GGUF file, as a dict."""
    size = Path(path).stat().st_size
    with open(path, "rb") as file:

        def read(n):
            data = file.read(min(n, size))
            if len(data) < n:
                raise ValueError("it ends too soon")
            return data

        def number(code):
            n = struct.calcsize(f"<{code}")
            return struct.unpack(f"<{code}", read(n))[0]

        def value(kind):
            if kind == 8:  # text: its length, then UTF-8
                return read(number("Q")).decode("utf-8")
            if kind == 9:  # a list: type and number of entries, then those
                kind, n = number("I"), number("Q")
                return [value(kind) for _ in range(n)]
            return number(GGUF_NUMBERS[kind])

        try:
            if read(4) != b"GGUF" or number("I") not in (2, 3):
                raise ValueError("it does not begin like one")
            _, n = number("Q"), number("Q")
            return {value(8): value(number("I")) for _ in range(n)}
        except (ValueError, KeyError, RecursionError) as error:
            raise ValueError(f"{path} is no GGUF file: {error}") from error


def gguf_vocabulary(path):
    """Return tokens, merges, special tokens and whether digits are single."""
    fields = gguf_fields(path)
    names = ("pre", "tokens", "merges", "token_type")
    pattern, *lists = [fields.get(f"tokenizer.ggml.{n}") for n in names]
    known = pattern in ("gpt-2", "smollm")
    if not known or not all(isinstance(part, list) for part in lists):
        raise ValueError(f"{path} holds no byte-level BPE that we know")
    tokens, merges, types = lists
    special = [t for t, kind in zip(tokens, types) if kind in (3, 4)]
    return tokens, merges, special, pattern == "smollm"


def learned_vocabulary(text, vocab_size, special_tokens, single_digits):
    """Return the tokens and merges that training finds."""
    n_merges = vocab_size - 256 - len(special_tokens)
    if n_merges < 0:
        raise ValueError("vocab_size must hold 256 bytes and the special "
                         f"tokens, got {vocab_size}")
    counts = Counter()
    for part in split_at(text, special_tokens)[::2]:
        counts.update(pretokens(part, single_digits))
    counts = {piece.encode(): n for piece, n in counts.items()}
    tokens, merges = list(ALPHABET.values()), []
    for a, b in learn_merges(counts, n_merges):
        merges.append(f"{tokens[a]} {tokens[b]}")
        tokens.append(tokens[a] + tokens[b])
    return [*tokens, *special_tokens], merges


class BPETokenizer(Encoder):
    """A byte-level byte-pair tokenizer: trained, saved, loaded."""

    @classmethod
    def train(cls, text, vocab_size, special_tokens=(), single_digits=False):
        """Learn a tokenizer from a text.

        Parameters
        ----------
        text : str
        vocab_size : int
            256 bytes, merges, special tokens; it becomes smaller than that
            if no pair is left to merge.
        special_tokens : sequence of str
            They get the last ids.
        single_digits : bool
            Whether each digit is a pre-token of its own.
        """
        parts = learned_vocabulary(
            text, vocab_size, special_tokens, single_digits)
        return cls(*parts, special_tokens, single_digits)

    @classmethod
    def load(cls, path):
        """Read what `save` wrote; raise ValueError for anything else."""
        fields = read_fields(path)
        del fields["format"]
        return cls(**fields)

    @classmethod
    def from_gguf(cls, path):
        """Read the tokenizer of a GGUF file of the kind of GPT-2's."""
        return cls(*gguf_vocabulary(path))

    def __reduce__(self):  # how a copy for another process is made
        return type(self), (self.tokens, self.merges,
                            [*self.special_tokens], self.single_digits)

    def save(self, path):
        """Write the tokenizer as JSON, all of it or nothing."""
        fields = {"format": "bpe-1", "single_digits": self.single_digits,
                  "special_tokens": list(self.special_tokens),
                  "tokens": self.tokens, "merges": self.merges}
        write_whole(path, json.dumps(fields, ensure_ascii=False, indent=0))

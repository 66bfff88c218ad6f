#!/bin/sh
# Moeno @version@ for @target@.
# One file: this script and, behind it, an archive of Deno, the program and its
# model. The first start unpacks the archive into the user's caches; every start
# runs what lies there. `moeno help` says more.
set -u

id=@id@
# The SHA-256 of the file SHA256SUMS, which has those of all other files.
sums_hash=@sums_hash@
names='@names@'
script_length=@script_length@
whole_length=@whole_length@
unpacked_kib=@unpacked_kib@

main() {
  in_some_home has_program || unpack || exit
  # What else a Deno of the user's is told does not concern this one.
  export DENO_DIR="$program/deno_dir" DENO_NO_UPDATE_CHECK=1
  exec "$program/deno" run -A --quiet --no-config --no-lock --no-remote --no-npm \
    @flags@ "$program/moeno.js" "$@"
}

# --- Where programs lie -----------------------------------------------------

# Calls a function with each folder that may be ours, the best first, until it
# succeeds.
in_some_home() {
  if [ -n "${MOENO_HOME:-}" ]; then
    "$1" "$MOENO_HOME"
    return
  fi
  caches=
  if is_own_home; then caches=$HOME/@caches@; fi
  if [ @caches@ = .cache ]; then caches=${XDG_CACHE_HOME:-$caches}; fi
  if [ -n "$caches" ] && "$1" "$caches/moeno"; then return 0; fi
  # Where everybody may write, somebody else may have been first.
  shared=${TMPDIR:-/tmp}/moeno-$(id -u)
  (umask 077 && mkdir -p "$shared") 2>/dev/null
  [ -O "$shared" ] && [ ! -h "$shared" ] && "$1" "$shared"
}

# Root with another user's HOME (sudo may leave it so) neither runs what that user
# can write, nor leaves files there that are root's.
is_own_home() {
  [ -n "${HOME:-}" ] || return
  [ -O "$HOME" ] || [ ! -e "$HOME" ] || [ "$(id -u)" -ne 0 ]
}

# Whether the program is unpacked there. Its folder appears when it is whole, but
# what cleans caches and temporary folders may take single files that look old.
has_program() {
  program=$1/programs/$id
  for name in $names; do
    [ -f "$program/$name" ] || return
  done
}

can_write() {
  programs=$1/programs
  mkdir -p "$programs" 2>/dev/null && [ -w "$programs" ]
}

# --- Unpacking --------------------------------------------------------------

unpack() {
  check_machine && check_file && check_programs || return
  if ! in_some_home can_write; then
    places="neither the user's caches nor ${TMPDIR:-/tmp} can"
    if [ -n "${MOENO_HOME:-}" ]; then places="$MOENO_HOME cannot"; fi
    fail "Cannot unpack the program: $places be written," \
      "wanted MOENO_HOME=<folder>"
    return
  fi
  remove_leftovers
  check_space || return
  program=$programs/$id
  if [ -t 2 ]; then
    echo "Unpacking Moeno into $programs, once ..." >&2
    tell_others
  fi
  part=$programs/.$id.$(uname -n).$$.part
  trap 'rm -rf "$part"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  mkdir "$part" || return
  # Whoever unpacks owns the files (o), even root.
  tail -c +$((script_length + 1)) "$0" | @decompress@ | tar -xof - -C "$part"
  is_whole "$part" || return
  check_deno "$part" || return
  # After a power cut, too, a folder of that name has everything in it.
  sync "$part"/* 2>/dev/null || sync
  # Another start may be first; then ours would go into its folder.
  [ -d "$program" ] || mv "$part" "$program"
  rm -rf "$program/${part##*/}"
  mend
  rm -rf "$part"
  trap - EXIT HUP INT TERM
  has_program "${programs%/programs}" && return
  fail "Cannot unpack the program: $program cannot be mended, wanted it removed"
}

# Brings back what the program's folder lacks. What runs from there keeps its files,
# and another start that does the same brings the same.
mend() {
  [ -d "$part" ] || return
  for name in $names; do
    [ -f "$program/$name" ] && continue
    case $name in */*) mkdir -p "$program/${name%/*}" ;; esac
    mv "$part/$name" "$program/$name"
  done
}

# Versions are not removed: nobody can tell whether one runs, for another user, in
# another container or on another machine that has this folder.
tell_others() {
  others=
  for other in "$programs"/[0-9]*; do
    if [ -d "$other" ] && [ "$other" != "$program" ]; then
      others="$others ${other##*/}"
    fi
  done
  [ -z "$others" ] || echo "Other versions there, which may be removed if" \
    "nothing runs from them:$others" >&2
}

# Removes what starts left that were killed while they unpacked, on this machine.
remove_leftovers() {
  for old in "$programs"/.*."$(uname -n)".*.part; do
    [ -d "$old" ] || continue
    pid=${old%.part}
    kill -0 "${pid##*.}" 2>/dev/null || rm -rf "$old"
  done
}

check_machine() {
  machine="$(uname -m) $(uname -s)"
  case "$machine" in
    @machines@) return 0 ;;
  esac
  fail "Cannot run: this file is for @target@, this machine is $machine;" \
    "wanted the file for it"
}

# Whether all of this file is here.
check_file() {
  length=$(wc -c <"$0") || return
  [ "$length" -eq "$whole_length" ] && return
  fail "Cannot unpack the program: $0 has $((length)) bytes, wanted $whole_length;" \
    "fetch it again"
}

# Whether all is here that unpacks.
check_programs() {
  for name in tail tar @decompress@; do
    case $name in -*) continue ;; esac
    command -v "$name" >/dev/null 2>&1 && continue
    fail "Cannot unpack the program: $name is not here, wanted it installed"
    return
  done
}

check_space() {
  # The last line of df may be cut in two where names are long, but not with -P.
  free=$(df -Pk "$programs" 2>/dev/null | {
    read -r _
    read -r _ _ _ kib _
    echo "${kib:-}"
  })
  case "$free" in
    '' | *[!0-9]*) return 0 ;; # nobody knows
  esac
  [ "$free" -ge "$unpacked_kib" ] && return
  fail "Cannot unpack the program into $programs: $((free / 1024)) MiB are free," \
    "wanted $((unpacked_kib / 1024 + 1)) MiB; MOENO_HOME=<folder> chooses another"
}

# Whether the files of a folder are those that were packed.
is_whole() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256='sha256sum'
  elif command -v shasum >/dev/null 2>&1; then
    sha256='shasum -a 256'
  else
    fail "Cannot check the unpacked program: neither sha256sum nor shasum is" \
      "here, wanted one of them"
    return
  fi
  (
    cd "$1" && echo "$sums_hash  SHA256SUMS" | $sha256 -c - && $sha256 -c SHA256SUMS
  ) >/dev/null 2>&1 && return
  fail "Cannot unpack the program into $programs: its files are not those that" \
    "were packed; is the disk full, or $0 damaged? MOENO_HOME=<folder> chooses" \
    "another folder"
}

# Whether Deno runs on this machine, from this folder.
check_deno() {
  words=$("$1/deno" --version 2>&1) && return
  fail "Cannot run Deno in $programs: $words; wanted a folder that programs may" \
    "run from (MOENO_HOME=<folder>) and, on Linux, glibc"
}

fail() {
  echo "error: $*" >&2
  return 1
}

main "$@"
exit 1 # what follows is no script

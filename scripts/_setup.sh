# Sourced by run.sh and test.sh: functions that find or install what Moeno
# needs. All of them write to stderr only. Sourcing this does nothing by itself.

DENO_VERSION=2.9.6
VULKAN_PACKAGES="mesa-vulkan-drivers libvulkan1"

# Gets everything ready; sets DENO to the pinned Deno.
setup() {
  find_deno || install_deno || return 1
  export DENO_NO_UPDATE_CHECK=1 # else Deno asks its site, now and then
  [ "$(uname -s)" = Linux ] || return 0
  : "${XDG_RUNTIME_DIR:=${TMPDIR:-/tmp}}"
  : "${DENO_WEBGPU_BACKEND:=vulkan}"
  export XDG_RUNTIME_DIR DENO_WEBGPU_BACKEND
  has_vulkan || install_vulkan
}

# --- Deno -------------------------------------------------------------------

# Sets DENO if the pinned version is on the PATH or in the user's cache.
find_deno() {
  for candidate in deno "$(deno_cache_dir)/bin/deno"; do
    if is_pinned_deno "$candidate"; then
      DENO=$candidate
      return 0
    fi
  done
  return 1
}

is_pinned_deno() {
  case "$("$1" --version 2>/dev/null)" in
    "deno $DENO_VERSION "*) return 0 ;;
    *) return 1 ;;
  esac
}

deno_cache_dir() {
  echo "${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/moeno/deno-$DENO_VERSION"
}

# Installs Deno from npm: for everyone if there is none and we may, else into
# the user's cache, so that another version on the PATH stays as it is.
install_deno() {
  if ! command -v npm >/dev/null 2>&1; then
    fail "Cannot install Deno $DENO_VERSION: npm is missing; install the" \
      "package npm, or Deno $DENO_VERSION itself"
    return 1
  fi
  echo "Installing Deno $DENO_VERSION from npm ..." >&2
  if ! command -v deno >/dev/null 2>&1 && is_root; then
    npm install --global "deno@$DENO_VERSION" >&2 && find_deno && return 0
  fi
  npm install --global --prefix "$(deno_cache_dir)" "deno@$DENO_VERSION" >&2
  find_deno && return 0
  fail "Cannot install Deno $DENO_VERSION: npm install deno@$DENO_VERSION" \
    "failed; see its messages above"
}

# --- Vulkan -----------------------------------------------------------------

# Whether a Vulkan loader and a driver are there. The arguments are for tests:
# the folder to take for /, and ldconfig.
has_vulkan() {
  has_vulkan_loader "${1:-}" "${2:-/sbin/ldconfig}" && has_vulkan_driver "${1:-}"
}

has_vulkan_loader() {
  for folder in "$1"/usr/lib/*-linux-gnu* "$1"/usr/lib64 "$1"/usr/lib \
    "$1"/usr/local/lib "$1"/lib64; do
    if [ -e "$folder/libvulkan.so.1" ]; then return 0; fi
  done
  if any_exists "${LD_LIBRARY_PATH:-}" /libvulkan.so.1; then return 0; fi
  case "$("$2" -p 2>/dev/null)" in
    *libvulkan.so.1*) return 0 ;;
    *) return 1 ;;
  esac
}

has_vulkan_driver() {
  if any_exists "${VK_DRIVER_FILES:-${VK_ICD_FILENAMES:-}}" ""; then return 0; fi
  for file in "$1"/usr/share/vulkan/icd.d/*.json \
    "$1"/usr/local/share/vulkan/icd.d/*.json "$1"/etc/vulkan/icd.d/*.json \
    "$1"/usr/local/etc/vulkan/icd.d/*.json \
    "${HOME:-}"/.local/share/vulkan/icd.d/*.json; do
    if [ -e "$file" ]; then return 0; fi
  done
  return 1
}

# Whether any entry of a colon-separated list exists, with a suffix.
any_exists() {
  old_ifs=$IFS
  IFS=:
  for entry in $1; do
    if [ -n "$entry" ] && [ -e "$entry$2" ]; then
      IFS=$old_ifs
      return 0
    fi
  done
  IFS=$old_ifs
  return 1
}

# Installs Mesa's software driver, which runs on any CPU.
install_vulkan() {
  if ! command -v apt-get >/dev/null 2>&1; then
    fail "Cannot find a Vulkan driver: install your GPU's, or Mesa's" \
      "(on Debian the packages $VULKAN_PACKAGES)"
    return 1
  fi
  if ! is_root && ! command -v sudo >/dev/null 2>&1; then
    fail "Cannot install a Vulkan driver without root: ask for the packages" \
      "$VULKAN_PACKAGES"
    return 1
  fi
  echo "Installing Mesa's software Vulkan driver ($VULKAN_PACKAGES) ..." >&2
  install_packages $VULKAN_PACKAGES && return 0
  fail "Cannot install a Vulkan driver: apt-get failed on the packages" \
    "$VULKAN_PACKAGES; see its messages above"
}

# --- For tests only ----------------------------------------------------------

# Their argument is for tests of themselves: the folder to take for /.
setup_browser() {
  install_for_tests "${1:-}/usr/bin/chromium" chromium Chromium "the page"
}

setup_balancer() {
  install_for_tests "${1:-}/usr/sbin/haproxy" haproxy HAProxy "several replicas"
}

# Installs a package of Debian's if a file is missing: <file> <package> <name> <what>.
# Where it cannot be had, tests of <what> are skipped, and say so.
install_for_tests() {
  if [ "$(uname -s)" != Linux ] || [ -e "$1" ]; then return 0; fi
  if ! command -v apt-get >/dev/null 2>&1; then return 0; fi
  if ! is_root && ! command -v sudo >/dev/null 2>&1; then return 0; fi
  echo "Installing $3 for the tests of $4 ..." >&2
  install_packages "$2" ||
    echo "There is no $3 to be had: tests of $4 are skipped" >&2
}

# --- Packages ---------------------------------------------------------------

install_packages() {
  if apt-cache show "$@" >/dev/null 2>&1; then
    apt_install "$@" && return 0
  fi
  # No package lists yet, or stale ones.
  as_root apt-get update >&2 && apt_install "$@"
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "$@" >&2
}

as_root() {
  if is_root; then
    "$@"
  elif [ -t 0 ]; then
    sudo "$@"
  else
    sudo -n "$@" # nobody is there to type a password
  fi
}

is_root() {
  [ "$(id -u)" = 0 ]
}

fail() {
  echo "error: $*" >&2
  return 1
}

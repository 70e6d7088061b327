# What tests/run, packaging/demo and .ci/run share. Sourced by bash, in the repository's top folder.
# shellcheck shell=bash

# The words that make a command root's: none as root, sudo where a script allows itself that.
as_root=()

heading() { printf '\n== %s\n' "$*"; }

# timeout(1) that ^C reaches. It makes a process group of its own, so that nothing that the command
# started outlives the limit; but a terminal's ^C goes to our group only, and is handed on here.
limited() ( # SECONDS COMMAND...
  timeout --kill-after=10 "$@" </dev/null &
  trap 'kill "$!" 2>/dev/null; wait "$!"; exit 130' INT TERM
  wait "$!"
)

# Installs what is missing of these Debian packages. Fails, with their names in $missing, if that
# is not possible.
need_packages() {
  local package
  missing=""
  for package in "$@"; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' ||
      missing+=" $package"
  done
  missing=${missing# }
  [[ -n $missing ]] || return 0
  if [[ $EUID -ne 0 && ${#as_root[@]} -eq 0 ]] || ! command -v apt-get >/dev/null; then
    missing="missing packages: $missing"
    return 1
  fi
  printf 'installing Debian packages: %s\n' "$missing"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive timeout 900
    apt-get -o DPkg::Lock::Timeout=300 -qq -y --no-install-recommends)
  # shellcheck disable=SC2086 # one word each
  if "${apt[@]}" update >/dev/null &&
    "${apt[@]}" install $missing >/dev/null; then
    missing=""
    return 0
  fi
  missing="packages that could not be installed: $missing"
  return 1
}

# Builds what is installed, as it is shipped.
build_release() {
  heading "release build"
  limited 3600 packaging/build
}

# Tells whether bubblewrap works, in which the tests of fobctl run.
bubblewrap_works() { bwrap --dev-bind / / true 2>/dev/null; }

# Tells whether this user may have a mount namespace of his own.
namespaces_work() {
  unshare --user --map-root-user --mount true 2>/dev/null ||
    unshare --mount true 2>/dev/null
}

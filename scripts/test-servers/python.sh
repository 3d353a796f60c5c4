# Servers that are Python packages, each in a virtual environment of its own. Sourced by install-test-servers.sh.
#
# An environment is moved once it is whole, and its scripts then name an interpreter that is gone. So the test kit starts
# every server with `bin/python -m MODULE`, which finds its packages wherever it lies.

JUPYTER=4.6.6 MLFLOW=3.17.2 AIRFLOW=3.3.2 CHROMA=1.5.9 CHROMA06=0.6.3 MILVUS_LITE=3.2.2 RAY=2.60.0 FLOWER=2.2.0

# venv PACKAGE==VERSION...: an environment in the folder at hand, of Debian's own Python, which every account may run.
venv() {
  /usr/bin/python3 -m venv . || fail "no virtual environment: install python3-venv"
  bin/python -m pip install -q --no-cache-dir --disable-pip-version-check "$@" >&2 ||
    fail "pip failed: is its index reachable? ($*)"
}

make_jupyter() { venv "jupyterlab==$JUPYTER"; }
# These two with empty stores, which take longer to make than the servers to start.
make_mlflow() {
  venv "mlflow[auth]==$MLFLOW"
  mkdir empty
  export MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true
  bin/python -m mlflow db upgrade "sqlite:///$PWD/empty/mlflow.db" >&2 &&
    bin/python -m mlflow.server.auth db upgrade --url "sqlite:///$PWD/empty/users.db" >&2 ||
    fail "MLflow made no stores"
}
make_airflow() {
  venv "apache-airflow==$AIRFLOW"
  AIRFLOW_HOME=$PWD/home AIRFLOW__CORE__LOAD_EXAMPLES=False bin/python -m airflow db migrate >&2 ||
    fail "Airflow made no store"
  mkdir empty
  mv home/airflow.db empty/
  rm -r home
}
make_chroma() { venv "chromadb==$CHROMA"; }
make_chroma06() { venv "chromadb==$CHROMA06"; }
make_milvus_lite() { venv "milvus-lite==$MILVUS_LITE" pymilvus==3.0.2; }
make_ray() { venv "ray[default]==$RAY"; }
make_flower() { venv "flower==$FLOWER" "celery[redis]==5.7.0"; }

install_python_servers() {
  make jupyter "$JUPYTER" make_jupyter
}

install_rare_python_servers() {
  make mlflow "$MLFLOW" make_mlflow
  make airflow "$AIRFLOW" make_airflow
  make chroma "$CHROMA" make_chroma
  make chroma06 "$CHROMA06" make_chroma06
  make milvus-lite "$MILVUS_LITE" make_milvus_lite
  make ray "$RAY" make_ray
  make flower "$FLOWER" make_flower
}

PACKAGES+=(python3-venv)
INSTALL+=(install_python_servers)
RARE_INSTALL+=(install_rare_python_servers)

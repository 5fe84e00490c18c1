# shellcheck shell=sh
# Read by login shells (/etc/profile). Perch's sessions are login shells of a
# user who may have no passwd entry, in a home that is new with each job.

# Batch systems set LANG=C, with which editors show no umlaut.
case ${LANG:-C} in
C | POSIX) export LANG=C.UTF-8 ;;
esac

case :$PATH: in
*:"$HOME"/.local/bin:*) ;;
*) export PATH="$HOME/.local/bin:$PATH" ;;
esac

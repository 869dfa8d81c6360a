"""A place to drop a file of the visitor's own. It stays in the visit."""

from collections.abc import Callable

import streamlit as st

from core.lab.upload import UploadError
from pages.common.text import words


def uploader(part: str, keep: Callable[[str, bytes], None]) -> None:
    """Draw the place, and below it why the last file could not be used.

    part: of the app's words. keep: reads and keeps what was dropped, by name and content.
    """
    fault, uploads = f"{part} fault", f"{part} uploads"
    state = f"{part} upload {st.session_state.get(uploads, 0)}"

    def read() -> None:
        file = st.session_state[state]
        if file is None:
            return
        st.session_state.pop(fault, None)
        try:
            keep(file.name, file.getvalue())
        except UploadError as error:
            st.session_state[fault] = str(error)
        # A new key makes a new, empty widget; Streamlit drops the file with the old one.
        st.session_state[uploads] = st.session_state.get(uploads, 0) + 1

    st.file_uploader(words(part)["upload"], key=state, on_change=read, max_upload_size=1)
    if said := st.session_state.get(fault):
        st.warning(said)

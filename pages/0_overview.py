"""The overview."""

import streamlit as st

st.title("Training Neural Networks, live")

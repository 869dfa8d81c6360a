"""The router: every page of the app and nothing else."""

import streamlit as st

from pages.common.navigation import navigation

st.set_page_config(page_title="Training Neural Networks, live", page_icon="📉", layout="wide")
navigation().run()

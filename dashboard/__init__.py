"""The Streamlit dashboard: layout only, every figure comes from insights."""

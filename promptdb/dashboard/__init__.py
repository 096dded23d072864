"""The dashboard: a Streamlit app over a registry, in this process or behind the HTTP API. Needs the extra `dashboard`."""

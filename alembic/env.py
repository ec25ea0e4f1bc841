"""Run migrations on the connection that `db.schema` hands over, or on the configured database for developers."""

from alembic import context
from db.engine import open_engine
from db.models import Base


def run(connection) -> None:  # noqa: ANN001
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = open_engine(context.get_x_argument(as_dictionary=True).get("url", "sqlite:///data/grokwatch.db"))
    with engine.connect() as connection:
        run(connection)
        connection.commit()

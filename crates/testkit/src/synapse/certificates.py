"""Makes an authority and a certificate of it for `localhost`: ca.pem, server.pem, server.key in the folder given."""
import datetime, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

folder = pathlib.Path(sys.argv[1])
now = datetime.datetime.now(datetime.timezone.utc)

def name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

def certificate(subject, key, signer, extension, ca):
    builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name("Test authority"))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=7))
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if extension is not None:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
(folder / "ca.pem").write_bytes(certificate("Test authority", authority, authority, None, True))
(folder / "server.pem").write_bytes(certificate("localhost", server, authority, names, False))
(folder / "server.key").write_bytes(server.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
